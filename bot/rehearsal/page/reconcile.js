// Keeping what did not change: nodes stay in place, and focus and open details survive a rebuild.

const signatures = new WeakMap();

/** Makes the children of `container` equal `items` [{key, signature, build}]; returns keys that are new. */
export function reconcile(container, items) {
  const before = new Map([...container.children].map((node) => [node.dataset.key, node]));
  const focused = container.contains(document.activeElement) ? document.activeElement : null;
  const replaced = [];
  const nodes = items.map((item) => kept(before.get(item.key), item) ?? rebuilt(before.get(item.key), item, replaced));
  let cursor = container.firstElementChild;
  for (const node of nodes) {
    if (node === cursor) cursor = cursor.nextElementSibling;
    else container.insertBefore(node, cursor);
  }
  const staying = new Set(nodes);
  const refocus = focused && replaced.find(([old]) => old.contains(focused));
  for (const node of before.values()) if (!staying.has(node)) node.remove();
  if (refocus) focusLike(refocus[1], focused);
  return items.filter((item) => !before.has(item.key)).map((item) => item.key);
}

function kept(old, item) {
  return old && signatures.get(old) === item.signature ? old : null;
}

function rebuilt(old, item, replaced) {
  const node = item.build();
  node.dataset.key = item.key;
  signatures.set(node, item.signature);
  if (old) {
    node.dataset.rebuilt = "yes";
    keepOpen(old, node);
    if (old.tabIndex === 0) node.tabIndex = 0;
    replaced.push([old, node]);
  }
  return node;
}

function keepOpen(old, node) {
  const after = node.querySelectorAll("details");
  old.querySelectorAll("details").forEach((details, n) => {
    if (details.open && after[n]) after[n].open = true;
  });
}

function focusLike(node, focused) {
  const name = focused.dataset.focus;
  const same = name && node.querySelector(`[data-focus="${CSS.escape(name)}"]`);
  (same ?? node).focus({ preventScroll: true });
}
