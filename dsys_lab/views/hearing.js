// Ears. anywidget gives a widget's module two seconds from the widget's birth to be ready, and a page that is busy with a
// whole notebook takes longer on a slow machine. It then says "Failed to initialize model." and drops every message of
// the kernel from there on: the picture stands, and its sliders move nothing. So a widget whose module came too late
// listens without anywidget, and asks for what it missed. (anywidget 0.11: `Runtime` and `AnyModel` in its sources.)

/** Called by anywidget once for each widget, before its first view. */
export function initialize({ model }) {
  model.on("change:_ready", (widget) => {                          // a change brings the widget, which the proxy hides
    const unheard = { content: { data: { method: "" } } };
    widget._handle_comm_msg(unheard).catch(() => listen(widget));  // refused only where the module came too late
  });
  model.set("_ready", true);
}

function listen(widget) {
  const kept = Object.getPrototypeOf(Object.getPrototypeOf(widget))._handle_comm_msg;
  widget.comm.on_msg(kept.bind(widget));
  widget.comm.send({ method: "request_state" });
}

