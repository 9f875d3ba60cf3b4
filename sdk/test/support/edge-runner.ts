import { readFileSync } from 'node:fs';
import { EdgeVM } from '@edge-runtime/vm';

/** Runs a program, given on standard input, in an edge runtime; prints what its `main` resolves to as JSON. */
const vm = new EdgeVM();
vm.evaluate(readFileSync(0, 'utf8'));
const told: string = await vm.evaluate('program.main().then(JSON.stringify)');
// The runtime's network would keep its connections open for a while.
process.stdout.write(told, () => process.exit(0));
