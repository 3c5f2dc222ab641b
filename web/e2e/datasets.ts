// Small datasets, made from numbers: tickets to read, pictures of plain shapes, and ten thousand vectors in two clusters.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32, deflateSync } from "node:zlib";

const TOPICS: Record<string, string[]> = {
  refund: [
    "I want my money back for order",
    "please refund the double charge on invoice",
    "the refund for my return has not arrived for order",
  ],
  delivery: [
    "the parcel never came for order",
    "the courier left the box in the rain, order",
    "tracking has stood still for a week for order",
  ],
  login: [
    "I cannot sign in since the update, account",
    "the reset mail for my password does not come, account",
    "two-factor codes are refused for account",
  ],
  praise: [
    "thank you for the quick help with",
    "lovely service and friendly people, case",
    "the new app is a joy to use, case",
  ],
};

const LONG = "It began on Monday, when nothing had changed on our side. ".repeat(14);

/** A table of tickets: id, text, topic; every ninth is long. */
export function writeTickets(path: string, n: number): void {
  const topics = Object.entries(TOPICS);
  const rows = Array.from({ length: n }, (_, idx) => {
    const [topic, phrases] = topics[idx % topics.length] ?? ["", []];
    const phrase = phrases[Math.floor(idx / topics.length) % phrases.length] ?? "";
    const text = `${phrase} ${1000 + idx}.${idx % 9 === 0 ? `\n${LONG}` : ""}`;
    return `t${idx},"${text}",${topic}`;
  });
  writeFileSync(path, ["id,text,label", ...rows].join("\n"));
}

/** PNGs in a folder for each class, of several shapes. */
export function writePictures(folder: string, n: number): void {
  for (let idx = 0; idx < n; idx++) {
    const label = idx % 3 === 0 ? "round" : "square";
    mkdirSync(join(folder, label), { recursive: true });
    const [width, height] = idx % 2 === 0 ? [96, 64] : [60, 100];
    writeFileSync(
      join(folder, label, `${idx}.png`),
      png(width, height, (x, y) => pixel(label, idx, x / width, y / height)),
    );
  }
}

function pixel(label: string, idx: number, x: number, y: number): [number, number, number] {
  const [dx, dy] = [Math.abs(x - 0.5), Math.abs(y - 0.5)];
  const inside = label === "round" ? dx * dx + dy * dy < 0.09 : Math.max(dx, dy) < 0.28;
  return inside ? [200, 60 + ((idx * 7) % 120), 40] : [40, 90, 60 + ((idx * 5) % 180)];
}

/** An 8-bit RGB PNG. */
function png(
  width: number,
  height: number,
  colour: (x: number, y: number) => [number, number, number],
): Buffer {
  const rows = Array.from({ length: height }, (_, y) => [
    0,
    ...Array.from({ length: width }, (_, x) => colour(x, y)).flat(),
  ]);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const chunks = [
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(Buffer.from(rows.flat()))),
    chunk("IEND", Buffer.alloc(0)),
  ];
  return Buffer.concat([Buffer.from("89504e470d0a1a0a", "hex"), ...chunks]);
}

function chunk(kind: string, content: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(kind), content]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(content.length);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}

/** A NumPy file of `n` vectors; one in twenty lies in a cluster of its own. */
export function writeVectors(path: string, n: number, dimension: number): void {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${n}, ${dimension}), }`;
  const padded = header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11) + "\n";
  const size = Buffer.alloc(2);
  size.writeUInt16LE(padded.length);
  const random = generator(7);
  const values = new Float32Array(n * dimension);
  for (let at = 0; at < values.length; at++) {
    const [row, column] = [Math.floor(at / dimension), at % dimension];
    values[at] = random() - 0.5 + (row % 20 === 0 && column < 3 ? 0.8 : 0);
  }
  writeFileSync(
    path,
    Buffer.concat([
      Buffer.from("\x93NUMPY\x01\x00", "latin1"),
      size,
      Buffer.from(padded),
      Buffer.from(values.buffer),
    ]),
  );
}

/** Numbers in [0, 1), the same ones every time. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
