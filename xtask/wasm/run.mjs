// Runs a test program that cargo built for wasm32-unknown-unknown: `node run.mjs PROGRAM.wasm`.
//
// Rust's own test harness works there: its `main` runs every test, one after the other. It has nowhere to print to,
// and a failed test traps; the trap's stack names the test.
import { readFileSync } from "node:fs";
import { basename } from "node:path";

const file = process.argv[2];
const program = new WebAssembly.Module(readFileSync(file));
const asked = WebAssembly.Module.imports(program);
if (asked.length > 0) {
  const names = asked.map(({ module, name }) => `${module}.${name}`).join(", ");
  console.error(`${basename(file)} asks its host for ${names}: a portable crate takes such things from its own Host trait`);
  process.exit(1);
}

try {
  const { exports } = new WebAssembly.Instance(program, {});
  const status = exports.main(0, 0);
  if (status !== 0) {
    console.error(`${basename(file)}: the tests ended with ${status}`);
    process.exit(1);
  }
  console.log(`wasm: all tests of ${basename(file)} passed`);
} catch (trap) {
  // The innermost frames are the panic's machinery; the first of a crate of ours is where it began.
  console.error(`${basename(file)}: a test failed (${trap.message}); the same test says more natively`);
  console.error(trap.stack.split("\n").slice(1, 24).join("\n"));
  process.exit(1);
}
