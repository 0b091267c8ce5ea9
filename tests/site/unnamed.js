/* What can be used and has no name, what scrolls and is not reached by keyboard, and ids that stand twice. */
() => {
  const found = [];
  for (const element of document.querySelectorAll("button, input, select, textarea, [role=dialog], [role=region]")) {
    const labels = [...(element.labels || [])].map((label) => label.textContent.trim());
    const name = element.getAttribute("aria-label") || labels.join("") || element.title || element.textContent.trim();
    if (!name && element.type !== "hidden" && !element.matches(".md-toggle") && !element.closest("[hidden]")) found.push(element.outerHTML.slice(0, 90));
  }
  for (const element of document.querySelectorAll("article *")) {
    const style = getComputedStyle(element);
    const scrolls = element.scrollWidth > element.clientWidth + 1 && ["auto", "scroll"].includes(style.overflowX);
    if (scrolls && element.tabIndex < 0 && !element.querySelector("a[href], button, [tabindex]")) found.push(`scrolls: ${element.outerHTML.slice(0, 90)}`);
  }
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  found.push(...ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => `twice: ${id}`));
  return found;
}
