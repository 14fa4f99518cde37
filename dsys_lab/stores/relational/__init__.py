"""How do many people change the same rows at once, each as if alone, and lose nothing when the power goes?"""
