const LINE_END = 10;

/** Length in bytes of the whole lines at the start of `data`, at least one, that fit into so many bytes. */
export function wholeLines(data: Buffer, room: number): number {
  if (room >= data.length) return data.length;
  const last = room > 0 ? data.lastIndexOf(LINE_END, room - 1) : -1;
  const end = last >= 0 ? last : data.indexOf(LINE_END);
  return end >= 0 ? end + 1 : data.length;
}
