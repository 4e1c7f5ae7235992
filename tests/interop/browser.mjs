// SPDX-License-Identifier: BSD-2-Clause
// A browser: its engine and the path of its program are the arguments.
import { createRequire } from "node:module";

import { checks, input } from "./w3c.mjs";

const require = createRequire(new URL("../browser/package.json", import.meta.url));
const playwright = require("playwright-core");
const [kind, executablePath] = process.argv.slice(2);

const options = { executablePath, timeout: 60_000 };
if (kind === "chromium")
    options.args = process.getuid() === 0 ? ["--no-sandbox", "--disable-gpu"] : ["--disable-gpu"];
else
    options.channel = "moz-firefox"; // by WebDriver BiDi, as the Firefox of a distribution speaks no other
const browser = await playwright[kind].launch(options);
const context = await browser.newContext({ ignoreHTTPSErrors: true });
const page = await context.newPage();

const facts = input();
const lines = await page.evaluate(checks, facts);
lines.push("skip ping: a page can't send one");
console.log(`${kind} ${browser.version()}`);
console.log(lines.join("\n"));
await browser.close();
