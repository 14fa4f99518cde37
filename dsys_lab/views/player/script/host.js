// Stands in for the widget where there is no kernel.

/** Stands in for the widget's model in a page without a kernel. */
export function staticModel(state) {
  const heard = {};
  return {
    get: (name) => state[name],
    set: (name, x) => { state[name] = x; (heard[`change:${name}`] || []).forEach((f) => f()); },
    on: (event, f) => { (heard[event] ||= []).push(f); },
    off: (event, f) => { heard[event] = (heard[event] || []).filter((x) => x !== f); },
    save_changes() {}, send() {},
  };
}
