import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { requireSame } from '../../connection/same-files.ts';
import { settleSqlite } from '../../connection/sqlite-settings.ts';
import type { FlatBatch } from './flat-batch.ts';
import { plainTransaction } from './sqlite-transaction.ts';
import type { CommitAnswer, CommitPlace } from './running-thread.ts';

/** The thread of commit-thread.ts: has committed a batch before it answers, and takes the next one then. */
function commitFor(port: MessagePort, { file, files, busyTimeoutMs }: CommitPlace): void {
  const connection = new Database(file, { fileMustExist: true });
  settleSqlite(connection, busyTimeoutMs);
  const transaction = plainTransaction(connection);
  const commit = (batch: FlatBatch) => {
    requireSame(files);
    const answer = transaction(batch);
    // And not replaced meanwhile.
    requireSame(files);
    return answer;
  };
  port.on('message', (batch: FlatBatch) => port.postMessage(answerTo(commit, batch)));
  port.postMessage('ready' satisfies CommitAnswer);
}

function answerTo(commit: ReturnType<typeof plainTransaction>, batch: FlatBatch): CommitAnswer {
  try {
    return commit(batch);
  } catch (error) {
    // What a driver adds to an error does not cross to another thread.
    const { code, message } = error as { code?: unknown; message: string };
    return { code: String(code), message };
  }
}

// Elsewhere it is only compiled.
if (parentPort) commitFor(parentPort, workerData as CommitPlace);
