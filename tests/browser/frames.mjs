// The frames of a page as JSON: node frames.mjs PAGE FRAME. Reads them with the page's own reader, without a browser.

import { readFile } from "node:fs/promises";
import { decodeFrames, flagAt, msAt, textAt, unpack } from "../../report/assets/page/frame.js";

const [file, name] = process.argv.slice(2);
const page = await readFile(file, "utf8");
const block = page.split('id="frames-0">')[1].split("</script>")[0];
const frame = decodeFrames(await unpack(block))[name];
const rows = [];
for (let row = 0; row < frame.rows; row += 1) {
  const entry = {};
  for (const [column, values] of Object.entries(frame.columns)) {
    if (values.codes) entry[column] = textAt(values, row);
    else if (values instanceof Uint8Array) entry[column] = flagAt(values, row);
    else if (["start", "trace", "invocations", "cold_starts", "parent", "weight", "timed_weight"].includes(column)) entry[column] = Number.isNaN(values[row]) ? null : values[row];
    else entry[column] = msAt(values, row);
  }
  rows.push(entry);
}
process.stdout.write(JSON.stringify(rows));
