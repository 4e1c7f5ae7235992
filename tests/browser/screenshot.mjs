// SPDX-License-Identifier: BSD-2-Clause
// screenshot.mjs URL FILE: takes the screenshot of the demo page at URL for README.md. ./dev screenshot calls it.
import { chromium } from "playwright-core";

const [url, file] = process.argv.slice(2);
const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: process.getuid() === 0 ? ["--no-sandbox", "--disable-gpu"] : ["--disable-gpu"],
});
const page = await browser.newPage({ viewport: { width: 1440, height: 770 }, colorScheme: "light" });
const pane = (n) => page.locator(".pane").nth(n);
const row = (n, kind, text) => pane(n).locator(`.row.${kind}:not([hidden])`, { hasText: text }).first().waitFor();
const pick = (name) => page.locator("#programs button", { hasText: name }).click();

// One program that goes on printing, and one that has ended.
await page.goto(`${url}#cpu.sh`);
await row(0, "in", "");
await page.getByRole("button", { name: "Send work" }).click();
await page.locator("#add").click();
await page.locator("#columns").click();
await pick("exit.sh");
await row(1, "in", "How should I exit?");
await pane(1).getByRole("button", { name: "Send 3" }).click();
await row(1, "bad", "4003");
await pane(1).getByRole("button", { name: "Send signal TERM" }).click();
await row(1, "bad", "SIGTERM");
await pane(1).locator(".code-button").click();
await page.waitForFunction(() => /^↓ [4-9]\d /.test(document.querySelector(".figures .in").textContent));
await page.mouse.move(0, 0);
await page.evaluate(() => document.activeElement.blur());
await page.screenshot({ path: file });
await browser.close();
