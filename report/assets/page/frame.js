// Reads the columnar encoding that report/src/page/frame.rs writes and describes.

/** Frames by name: { rows, columns: { name: column } }. A text column is { codes, values }, others are typed arrays. */
export function decodeFrames(buffer) {
  const view = new DataView(buffer);
  const length = view.getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  let at = 4 + length;
  const frames = {};
  for (const frame of header) {
    const columns = {};
    for (const column of frame.columns) {
      columns[column.name] = decodeColumn(column, new Uint8Array(buffer, at, column.bytes), frame.rows);
      at += column.bytes;
    }
    frames[frame.name] = { rows: frame.rows, columns };
  }
  return frames;
}

function decodeColumn(column, bytes, rows) {
  switch (column.kind) {
    case "text": return { codes: decodeCodes(bytes, rows), values: column.values };
    case "int": return decodeNumbers(bytes, rows, false);
    case "delta": return decodeNumbers(bytes, rows, true);
    case "real": return new Float64Array(bytes.slice().buffer);
    case "flag": return bytes;
    default: throw new Error(`unknown column kind ${column.kind}`);
  }
}

/** Calls `take` with each number of a row: seven bits a byte, the lowest first; beyond 32 bits too. */
function eachVarint(bytes, rows, take) {
  for (let row = 0, at = 0; row < rows; row += 1) {
    let value = 0;
    let factor = 1;
    let byte;
    do {
      byte = bytes[at];
      at += 1;
      value += (byte & 127) * factor;
      factor *= 128;
    } while (byte > 127);
    take(value, row);
  }
}

function decodeCodes(bytes, rows) {
  const codes = new Int32Array(rows);
  eachVarint(bytes, rows, (value, row) => { codes[row] = value - 1; });
  return codes;
}

function decodeNumbers(bytes, rows, delta) {
  const numbers = new Float64Array(rows);
  let last = 0;
  eachVarint(bytes, rows, (value, row) => {
    if (value === 0) {
      numbers[row] = NaN;
      return;
    }
    const zigzag = value - 1;
    const number = zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
    if (delta) last += number;
    numbers[row] = delta ? last : number;
  });
  return numbers;
}

/** The text of a row; null where there is none. */
export function textAt(column, row) {
  const code = column.codes[row];
  return code < 0 ? null : column.values[code];
}

/** A number of a row in ms (columns hold microseconds); null where it is unknown. */
export function msAt(column, row) {
  const value = column[row];
  return Number.isNaN(value) ? null : value / 1000;
}

/** A flag of a row: true, false or null. */
export function flagAt(column, row) {
  return column[row] === 2 ? null : column[row] === 1;
}

/** Base64 of gzip to bytes. */
export async function unpack(base64) {
  const packed = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}
