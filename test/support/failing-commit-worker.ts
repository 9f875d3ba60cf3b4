import './failing-commits.ts';
import '../../src/store/plain/commit-worker.ts';
