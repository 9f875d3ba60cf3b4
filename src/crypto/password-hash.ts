/** What one argon2 run costs (RFC 9106 §3.1). */
export interface PasswordCost {
  /** Memory in KiB (m). */
  readonly memoryKiB: number;
  /** Passes over the memory (t). */
  readonly passes: number;
  /** Lanes (p). */
  readonly parallelism: number;
}

/** A stored password: cost, salt and tag. */
export interface PasswordHash extends PasswordCost {
  readonly salt: Buffer;
  readonly tag: Buffer;
}

const MAX_MEMORY_KIB = 256 * 1024;
const MAX_PASSES = 16;
const MAX_PARALLELISM = 16;
/** RFC 9106 §3.1: at least 8 KiB for each lane. */
const MIN_MEMORY_PER_LANE = 8;
/** Salt of 8 to 64 bytes, tag of 16 to 64 bytes; no leading zeros in the numbers. */
const PHC =
  /^\$argon2id\$v=19\$m=([1-9]\d{0,9}),t=([1-9]\d{0,9}),p=([1-9]\d{0,9})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;

/** Whether a run of this cost is one that this server would ever do: at most 256 MiB, 16 passes, 16 lanes. */
export function isBearableCost(cost: PasswordCost): boolean {
  const { memoryKiB, passes, parallelism } = cost;
  return (
    isWithin(parallelism, 1, MAX_PARALLELISM) &&
    isWithin(passes, 1, MAX_PASSES) &&
    isWithin(memoryKiB, MIN_MEMORY_PER_LANE * parallelism, MAX_MEMORY_KIB)
  );
}

/** `$argon2id$v=19$m=…,t=…,p=…$salt$hash`, the PHC string format: base64 without padding. */
export function formatPasswordHash(hash: PasswordHash): string {
  const { memoryKiB, passes, parallelism, salt, tag } = hash;
  return `$argon2id$v=19$m=${memoryKiB},t=${passes},p=${parallelism}$${unpadded(salt)}$${unpadded(tag)}`;
}

/** Undefined for anything but an argon2id string of bearable cost: a stored value must not exhaust the server. */
export function parsePasswordHash(text: string): PasswordHash | undefined {
  const [, memory, passes, parallelism, salt, tag] = PHC.exec(text) ?? [];
  if (salt === undefined || tag === undefined) return undefined;
  const cost = { memoryKiB: Number(memory), passes: Number(passes), parallelism: Number(parallelism) };
  if (!isBearableCost(cost)) return undefined;
  return { ...cost, salt: Buffer.from(salt, 'base64'), tag: Buffer.from(tag, 'base64') };
}

function isWithin(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
