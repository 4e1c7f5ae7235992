// SPDX-License-Identifier: BSD-2-Clause
// The class of wspipe.js as a module.
import "./wspipe.js";
export const WspipeSocket = globalThis.WspipeSocket;
export default WspipeSocket;
