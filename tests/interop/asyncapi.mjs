// SPDX-License-Identifier: BSD-2-Clause
// Validates AsyncAPI documents: reads {name: text} on standard input, and writes {name: [diagnostic]}.
import { text } from "node:stream/consumers";
import { Parser } from "@asyncapi/parser";

const parser = new Parser();
const results = {};
for (const [name, source] of Object.entries(JSON.parse(await text(process.stdin)))) {
    const { document, diagnostics } = await parser.parse(source);
    results[name] = {
        errors: diagnostics.filter((one) => one.severity <= 1).map((one) => `${one.path.join(".")}: ${one.message}`),
        addresses: document ? document.channels().all().map((channel) => channel.address()) : null,
    };
}
console.log(JSON.stringify(results));
