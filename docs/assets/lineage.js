/* Marks everything downstream of the model that has the pointer or the focus. */
for (const picture of document.querySelectorAll(".pb-lineage svg")) {
  const edges = [...picture.querySelectorAll(".pb-edge")];
  const mark = (event) => {
    const start = event.target.closest && event.target.closest(".pb-node");
    const found = new Set(start ? [start.dataset.model] : []);
    for (let before = -1; before !== found.size; ) {
      before = found.size;
      for (const edge of edges) if (found.has(edge.dataset.from)) found.add(edge.dataset.to);
    }
    picture.classList.toggle("pb-marked", found.size > 0);
    for (const edge of edges) edge.classList.toggle("pb-lit", found.has(edge.dataset.from));
    for (const node of picture.querySelectorAll(".pb-node")) node.classList.toggle("pb-lit", found.has(node.dataset.model));
  };
  for (const name of ["pointerover", "focusin"]) picture.addEventListener(name, mark);
  for (const name of ["pointerleave", "focusout"]) picture.addEventListener(name, () => mark({ target: picture }));
}
