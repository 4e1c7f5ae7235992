// SPDX-License-Identifier: BSD-2-Clause
// screenshot.mjs URL FILE: takes the screenshot of the demo page at URL for README.md. ./dev screenshot calls it.
import { chromium } from "playwright-core";

const QUIET = 60; // percent
const [url, file] = process.argv.slice(2);
const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: process.getuid() === 0 ? ["--no-sandbox", "--disable-gpu"] : ["--disable-gpu"],
});
const page = await browser.newPage({ viewport: { width: 1440, height: 770 }, colorScheme: "light" });

// A quiet time, a peak, and a quiet time again. On a busy machine the chart would be a flat line, so wait.
await page.goto(url);
await page.waitForFunction(([quiet, count]) => {
    const last = document.getElementById("curve").getAttribute("d").split("L").slice(-count);
    const sum = last.reduce((sum, point) => sum + 100 - Number(point.split(",")[1]), 0);
    return last.length === count && sum / count <= quiet;
}, [QUIET, 24], { timeout: 580_000 });
await page.getByRole("button", { name: "work" }).click();
await page.mouse.move(0, 0);
const lines = page.locator("#lines li.received");
await lines.nth(await lines.count() + 44).waitFor({ state: "attached" });
await page.screenshot({ path: file });
await browser.close();
