/** A process that writes intents until it is killed, and says each one that was acknowledged. */
import { writeSync } from "node:fs";
import { cancel, openTest } from "./records.ts";

const [dataDir = "", run = ""] = process.argv.slice(2);
const { journal } = await openTest(dataDir, { segmentBytes: 64 * 1024 });
for (let turn = 0; ; turn++) {
  const requests = Array.from({ length: 1 + (turn % 7) }, (_, index) => `${run}-${turn}-${index}`);
  const intents = requests.map(async (request) => {
    await journal.intent(cancel(request));
    writeSync(1, `${request}\n`);
  });
  await Promise.all(intents);
}
