import { z } from 'zod';
import { setting, wholeNumber } from '../setting.ts';

const DAY = 86_400;
const YEAR = 365 * DAY;

/** A duration in whole seconds. */
function seconds(env: string, value: number, min: number, max: number, description: string) {
  return setting(wholeNumber(min, max), { env, unit: 'seconds', default: value, description });
}

/** How long things live. Everything here is in seconds; what a token gets is never longer than its task. */
export const lifetimesSchema = z.strictObject({
  accessToken: seconds('ACCESS_TOKEN_TTL', 600, 10, DAY, 'Access token; never beyond the end of its task.'),
  refreshToken: seconds(
    'REFRESH_TOKEN_TTL',
    30 * DAY,
    60,
    YEAR,
    'Refresh token; never beyond the end of its task.',
  ),
  task: seconds('TASK_TTL', 3600, 10, YEAR, 'Task that asks for no lifetime of its own.'),
  taskMax: seconds('TASK_MAX_TTL', 30 * DAY, 10, YEAR, 'Longest lifetime that a task may ask for.'),
  codeTask: seconds(
    'CODE_TASK_TTL',
    30 * DAY,
    10,
    YEAR,
    'Task approved by a user that comes with a refresh token.',
  ),
  authorizationCode: seconds(
    'AUTHORIZATION_CODE_TTL',
    60,
    10,
    600,
    'Authorization code (RFC 6749 allows 600).',
  ),
  handOff: seconds(
    'HAND_OFF_TTL',
    120,
    5,
    120,
    'Hand-off token, with which one agent lets another derive a task.',
  ),
  interaction: seconds('INTERACTION_TTL', 600, 60, 3600, 'Time a user has to sign in and decide.'),
  session: seconds('SESSION_TTL', 14 * DAY, 60, YEAR, "A user's browser session."),
  refreshGrace: seconds(
    'REFRESH_GRACE',
    30,
    0,
    300,
    'Time in which a used refresh token may be repeated, for a response lost on the way; 0 turns it off.',
  ),
  registrationToken: seconds(
    'REGISTRATION_TOKEN_TTL',
    DAY,
    60,
    YEAR,
    'Single-use token that permits a registration.',
  ),
  secretOverlap: seconds(
    'CLIENT_SECRET_OVERLAP',
    DAY,
    0,
    YEAR,
    'Time in which a client secret that was replaced still works.',
  ),
  par: seconds('PAR_TTL', 60, 10, 600, 'Pushed authorization request (RFC 9126).'),
  idempotency: seconds(
    'IDEMPOTENCY_TTL',
    DAY,
    60,
    DAY,
    'Time in which a request with an Idempotency-Key may be repeated.',
  ),
});
