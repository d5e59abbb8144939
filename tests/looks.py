"""What is lost on a narrow screen: what sticks out of it, or out of a box that cannot be scrolled."""

LOST = """() => {
  const scrolls = style => /auto|scroll/.test(style.overflowX);
  const lost = [];
  const name = one => `${one.tagName}#${one.id}.${one.getAttribute("class") ?? ""} ${one.textContent.trim().slice(0, 40)}`;
  const wide = document.documentElement.scrollWidth;
  if (wide > innerWidth) lost.push(`the page is ${wide} wide, the screen ${innerWidth}`);
  for (const one of document.querySelectorAll("body *")) {
    if (!one.checkVisibility() || one.closest("svg") !== (one.tagName === "svg" ? one : null)) continue;
    const box = one.getBoundingClientRect(), style = getComputedStyle(one);
    if (!box.width || !box.height) continue;
    let held = false; // whether a box around it scrolls to it
    for (let at = one.parentElement; at && !held; at = at.parentElement) held = scrolls(getComputedStyle(at));
    if (!held && (box.right > innerWidth + 1 || box.left < -1)) lost.push(`sticks out: ${name(one)}`);
    if (one.matches("input, select, textarea")) continue; // they scroll by themselves
    if (/hidden|clip/.test(style.overflowX) && one.scrollWidth > one.clientWidth + 1) lost.push(`is cut off: ${name(one)}`);
  }
  return lost;
}"""
