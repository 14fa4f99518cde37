// Gives the form that it stands in its keys: JupyterLab's one-key commands stay out, and no key reaches the notebook,
// which would move the focus to its cell. So arrows move a choice or a slider, and Enter presses a button. Escape goes
// back to the cell.

const stay = (event) => {
  if (event.key === "Escape") event.currentTarget.closest(".jp-Cell")?.focus();
  event.stopPropagation();
};

function render({ el }) {
  let form = null;
  const mark = (patience) => {                    // this view is made before it is put into its form
    form = el.closest(".dsys-form");
    form?.setAttribute("data-lm-suppress-shortcuts", "true");
    form?.addEventListener("keydown", stay);
    if (!form && patience) requestAnimationFrame(() => mark(patience - 1));
  };
  mark(300);
  return () => form?.removeEventListener("keydown", stay);
}

export default { render };
