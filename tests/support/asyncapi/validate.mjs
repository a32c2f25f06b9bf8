// Prints what @asyncapi/parser finds in the document, one JSON object a line, and last what it read.
import { Parser, fromFile } from '@asyncapi/parser';

const { document, diagnostics } = await fromFile(new Parser(), process.argv[2]).parse();
for (const { severity, code, path, message } of diagnostics) {
  console.log(JSON.stringify({ severity, code, path: path.join('.'), message }));
}
console.log(JSON.stringify({
  channels: document?.channels().length ?? 0,
  operations: document?.operations().length ?? 0,
  payloads: document?.messages().all().filter((message) => message.payload()?.properties()).length ?? 0,
}));
