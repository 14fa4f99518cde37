"""When can it be seen where, and what does a crash of each place make of that?"""
