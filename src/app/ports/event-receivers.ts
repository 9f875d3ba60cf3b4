/** How far each receiver of security event tokens has acknowledged the ledger. */
export interface EventReceivers {
  /** The sequence number of the last row that the receiver has acknowledged; 0 = none. */
  position(clientId: string): Promise<number>;
  /** Never goes back. `at`: milliseconds since the epoch. */
  advance(clientId: string, position: number, at: number): Promise<void>;
}
