// A reader of ESC/POS that we did not write, on the bytes of a receipt: which commands it sees, what the text says,
// and the pictures, dot by dot.
//
//   node escpos.cjs BYTES FOLDER
//
// Prints one JSON object; pictures go into the folder as PGM files, a pixel for a dot, with white around them.

"use strict";

const { readFileSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");
const iconv = require("iconv-lite");
const Parser = require("npos/lib/parser");
const rules = require("npos/lib/parser/rules");
const symbols = require("npos/lib/parser/symbols");
const raster = require("npos/lib/codecs/raster");

const [, , file, folder] = process.argv;
const WHITE = 24;

// It is older than the codes that printers make by themselves: these carry their length as all commands of GS ( do.
rules[symbols.GS]["(k"] = [0, "d16"];

function pgm(image) {
  const [width, height] = [image.width + 2 * WHITE, image.height + 2 * WHITE];
  const pixels = Buffer.alloc(width * height, 255);
  for (let y = 0; y < image.height; y++)
    for (let x = 0; x < image.width; x++)
      pixels[(y + WHITE) * width + x + WHITE] = image.getPixel(x, y) === 0 ? 0 : 255;
  return Buffer.concat([Buffer.from(`P5 ${width} ${height} 255\n`), pixels]);
}

const raw = readFileSync(file);
const read = new Parser(rules).analyze(raw);
if (read.error) {
  console.error(String(read.error));
  process.exit(1);
}
const part = (node, from = 0) => raw.subarray(node.offset + from, node.offset + node.length);
const named = (name) => read.tree.filter((node) => node.ascii + (node.fn || "") === name);
const text = Buffer.concat(read.tree.filter((node) => node.ascii === "STX").map((node) => part(node)));
// A picture that comes in bands is one picture.
const pictures = [];
let before = null;
for (const node of read.tree) {
  const band = node.ascii + (node.fn || "") === "GSv0";
  if (band && before) pictures.at(-1).push(node);
  else if (band) pictures.push([node]);
  before = band;
}
console.log(
  JSON.stringify({
    commands: read.tree.map((node) => node.ascii + (node.fn || "")),
    text: iconv.decode(text, "GB18030"),
    // The QR codes that are stored: GS ( k pL pH 49 80 48 and what they say.
    qr: named("GS(k")
      .filter((node) => raw[node.offset + 6] === 80)
      .map((node) => part(node, 8).toString("latin1")),
    bars: named("GSk").map((node) => part(node, 4).toString("hex")),
    pictures: pictures.map((nodes, index) => {
      const name = join(folder, `picture${index}.pgm`);
      writeFileSync(name, pgm(raster.decode(raw, nodes)));
      return name;
    }),
  }),
);
