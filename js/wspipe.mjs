// SPDX-License-Identifier: BSD-2-Clause
import "./wspipe.js";
export default globalThis.WspipeSocket;
