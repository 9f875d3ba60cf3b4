import './failing-commits.ts';
import '../../src/store/commit/plain/commit-worker.ts';
