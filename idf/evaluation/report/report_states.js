// Small drawings of states, read from the line that a simulation writes. A world that is not here is shown as text alone.
const INK = { red: "#d1493f", green: "#3f9b57", blue: "#3a6fc4", yellow: "#e8c93c", orange: "#e58b2f", white: "#f4f4f0", black: "#24262a", gray: "#9a9ea5", grey: "#9a9ea5", purple: "#8a5bb5", brown: "#8a623d", pink: "#e39ab5", cyan: "#4db4c0", magenta: "#c04d9a" };

function drawState(world, line, item) {
  const draw = { cube_rolling: rollingCube, rubiks_cube: rubiksCube, wood_slide: woodSlide, moving_box: movingBox, mental_rotation: structure }[world];
  return draw && typeof line === "string" ? draw(line, item) : null;
}

function picture(width, height, shapes) {
  const make = (tag, attributes) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) if (name !== "text") made.setAttribute(name, value);
    if (attributes.text !== undefined) made.textContent = attributes.text;
    return made;
  };
  const svg = make("svg", { viewBox: `-0.1 -0.1 ${width + 0.2} ${height + 0.2}`, "aria-hidden": "true" });
  svg.append(...shapes.map(([tag, attributes]) => make(tag, attributes)));
  return svg;
}

const square = (x, y, fill, size = 1, more = {}) => ["rect", { x: x + 0.03 * size, y: y + 0.03 * size, width: 0.94 * size, height: 0.94 * size, rx: 0.08 * size, fill, stroke: "currentColor", "stroke-opacity": 0.35, "stroke-width": 0.02, ...more }];
const letter = (x, y, text, fill = "currentColor", size = 0.34) => ["text", { x, y: y + size * 0.36, text, fill, "font-size": size, "text-anchor": "middle" }];
const NET = { U: [1, 0], L: [0, 1], F: [1, 1], R: [2, 1], B: [3, 1], D: [1, 2] };

function rollingCube(line) {
  const words = (line.toLowerCase().match(/[a-z]+/g) ?? []).filter(word => word in INK).slice(-6);
  if (words.length < 6) return null;
  const faces = ["U", "D", "L", "R", "F", "B"], names = ["top", "bottom", "left", "right", "front", "back"];
  return picture(4, 3, words.flatMap((colour, n) => {
    const [x, y] = NET[faces[n]];
    return [square(x, y, INK[colour]), letter(x + 0.5, y + 0.5, names[n], ["black", "blue", "red", "purple", "brown"].includes(colour) ? "#fff" : "#14161a", 0.26)];
  }));
}

function rubiksCube(line) {
  const faces = [...line.matchAll(/\b([UDLRFB]):\s*((?:[a-z]+[\s/,|]*){9})/gi)];
  if (faces.length < 6) return null;
  return picture(4, 3, faces.slice(-6).flatMap(([, face, colours]) => {
    const [x, y] = NET[face.toUpperCase()];
    return colours.toLowerCase().match(/[a-z]+/g).map((colour, n) => square(x + 0.02 + (n % 3) * 0.32, y + 0.02 + Math.floor(n / 3) * 0.32, INK[colour] ?? "none", 0.32));
  }));
}

function woodSlide(line) {
  const boards = line.match(/[0-9]{4}(?:\/[0-9]{4}){4}/g);
  if (!boards) return null;
  const cells = boards.at(-1).replaceAll("/", ""), shapes = [["rect", { x: 0, y: 0, width: 4, height: 5, fill: "none", stroke: "currentColor", "stroke-opacity": 0.4, "stroke-width": 0.04 }]];
  for (const block of new Set(cells.replaceAll("0", ""))) {
    const at = [...cells].flatMap((cell, n) => cell === block ? [n] : []), columns = at.map(n => n % 4), rows = at.map(n => Math.floor(n / 4));
    const x = Math.min(...columns), y = Math.min(...rows), width = Math.max(...columns) - x + 1, height = Math.max(...rows) - y + 1;
    shapes.push(["rect", { x: x + 0.05, y: y + 0.05, width: width - 0.1, height: height - 0.1, rx: 0.1, fill: width * height === 4 ? "#c98b55" : "#e0bd8f", stroke: "#7a5a38", "stroke-width": 0.03 }]);
    shapes.push(letter(x + width / 2, y + height / 2, block, "#2a1f14", 0.5));
  }
  return picture(4, 5, shapes);
}

function movingBox(line, item) {
  const found = line.toLowerCase().match(/player\D*(\d+)\D+(\d+).*?box\D*(\d+)\D+(\d+)/s);
  if (!found) return null;
  const [playerRow, playerColumn, boxRow, boxColumn] = found.slice(1).map(Number), grid = item.start.split("\n").map(row => row.split(" "));
  const shapes = grid.flatMap((row, y) => row.flatMap((cell, x) => {
    const floor = ["rect", { x, y, width: 1, height: 1, fill: cell === "#" ? "#8b8f96" : "none", stroke: "currentColor", "stroke-opacity": 0.18, "stroke-width": 0.03 }];
    return cell === "T" || cell === "+" ? [floor, ["circle", { cx: x + 0.5, cy: y + 0.5, r: 0.22, fill: "none", stroke: "#d1493f", "stroke-width": 0.1 }]] : [floor];
  }));
  shapes.push(["rect", { x: boxColumn + 0.16, y: boxRow + 0.16, width: 0.68, height: 0.68, rx: 0.06, fill: "#c98b55", "fill-opacity": 0.9, stroke: "#7a5a38", "stroke-width": 0.05 }]);
  shapes.push(["circle", { cx: playerColumn + 0.5, cy: playerRow + 0.5, r: 0.3, fill: "#3a6fc4" }]);
  return picture(grid[0].length, grid.length, shapes);
}

function structure(line) {
  const cubes = [...line.toLowerCase().matchAll(/([a-z]+)\s*\(\s*(-?\d+)\s*,\s*(-?\d+)\s*,\s*(-?\d+)\s*\)/g)].map(([, colour, x, y, z]) => ({ colour, x: +x, y: +y, z: +z }));
  if (!cubes.length) return null;
  const flat = (x, y, z) => [(x - z) * 0.866, (x + z) * 0.5 - y];
  const sides = [[[0, 1, 0], [1, 1, 0], [1, 1, 1], [0, 1, 1], 0], [[0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1], 0.18], [[1, 0, 0], [1, 0, 1], [1, 1, 1], [1, 1, 0], 0.36]];
  cubes.sort((a, b) => a.x + a.y + a.z - b.x - b.y - b.z);
  const faces = cubes.flatMap(({ colour, x, y, z }) => sides.map(([a, b, c, d, shade]) => ({ colour, shade, points: [a, b, c, d].map(([dx, dy, dz]) => flat(x + dx, y + dy, z + dz)) })));
  const xs = faces.flatMap(face => face.points.map(point => point[0])), ys = faces.flatMap(face => face.points.map(point => point[1]));
  const left = Math.min(...xs), top = Math.min(...ys);
  return picture(Math.max(...xs) - left, Math.max(...ys) - top, faces.flatMap(({ colour, shade, points }) => {
    const at = points.map(([x, y]) => `${(x - left).toFixed(3)},${(y - top).toFixed(3)}`).join(" ");
    return [["polygon", { points: at, fill: INK[colour] ?? "#ccc", stroke: "#14161a", "stroke-width": 0.025, "stroke-linejoin": "round" }], ["polygon", { points: at, fill: "#000", "fill-opacity": shade }]];
  }));
}
