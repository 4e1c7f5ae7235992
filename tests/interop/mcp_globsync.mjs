// SPDX-License-Identifier: BSD-2-Clause
// The conformance package imports fs.globSync, which node has since version 22, for a command that is not used here.
import { register } from "node:module";

const shim = `data:text/javascript,${encodeURIComponent('export * from "node:fs"; export const globSync = () => [];')}`;
register(`data:text/javascript,${encodeURIComponent(`export const resolve = (name, context, next) =>
    name === "fs" && context.parentURL?.includes("/conformance/") ? { shortCircuit: true, url: "${shim}" } : next(name, context);`)}`);
