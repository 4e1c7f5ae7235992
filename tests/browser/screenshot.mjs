// SPDX-License-Identifier: BSD-2-Clause
// screenshot.mjs URL FILE: takes the screenshot of the demo page at URL for README.md. ./dev screenshot calls it.
import { chromium } from "playwright-core";

const [url, file] = process.argv.slice(2);
const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: process.getuid() === 0 ? ["--no-sandbox", "--disable-gpu"] : ["--disable-gpu"],
});
const page = await browser.newPage({ viewport: { width: 1440, height: 770 }, colorScheme: "light" });
const points = (count) => page.waitForFunction((count) =>
    document.getElementById("curve").getAttribute("d").split("L").length >= count, count, { timeout: 60_000 });

// A chart with a peak in the middle: the browser's start, silence, the message, silence.
await page.goto(url);
await points(50);
await page.getByRole("button", { name: "work" }).click();
await page.mouse.move(0, 0);
await points(95);
await page.screenshot({ path: file });
await browser.close();
