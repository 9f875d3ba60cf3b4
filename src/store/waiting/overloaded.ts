import { UnavailableError } from '../../domain/unavailable.ts';

/** More wait than the database can take: the caller may try again later. Nothing was read or written. */
export class OverloadedError extends UnavailableError {
  constructor() {
    super('overloaded', 'too many requests are waiting for the database');
  }
}
