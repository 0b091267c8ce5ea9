/* Texts whose colour is too near to that of what they stand on, by the formula of WCAG 2. */
() => {
  const parse = (text) => (text.match(/[\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((one) => one / 255)
    .map((one) => (one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4))
    .reduce((sum, one, index) => sum + one * [0.2126, 0.7152, 0.0722][index], 0);
  const over = (top, below) => {
    const alpha = top[3] ?? 1;
    return top.slice(0, 3).map((one, index) => one * alpha + below[index] * (1 - alpha));
  };
  const ground = (element) => {
    const layers = [];
    for (let one = element; one; one = one.parentElement) layers.push(parse(getComputedStyle(one).backgroundColor));
    return layers.reverse().reduce((below, top) => (top.length ? over(top, below) : below), [255, 255, 255]);
  };
  const found = [];
  for (const element of document.querySelectorAll("article *, header *, footer *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    if (!own || element.closest("svg, [hidden], .md-search, .md-tabs, .headerlink") || !box.width || style.visibility === "hidden") continue;
    const below = ground(element);
    const ratio = [light(over(parse(style.color), below)), light(below)].sort((a, b) => b - a);
    const size = parseFloat(style.fontSize);
    const least = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
    if ((ratio[0] + 0.05) / (ratio[1] + 0.05) < least) found.push(`${element.tagName} ${element.textContent.slice(0, 40)}`);
  }
  return found;
}
