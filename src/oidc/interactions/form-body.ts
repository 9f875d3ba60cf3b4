import type { Context } from 'koa';
import getRawBody from 'raw-body';
import { readFormText } from '../../domain/form-text.ts';
import { readUtf8 } from '../../domain/utf8.ts';
import { PageRefusal } from './page-refusal.ts';

const FORM = 'application/x-www-form-urlencoded';
const LIMIT_BYTES = 16 * 1024;

/** @throws PageRefusal 415 for anything but a form, 413 beyond 16 KiB, 400 for a body that cannot be read. */
export async function readFormBody(ctx: Context): Promise<URLSearchParams> {
  if (ctx.request.type.toLowerCase() !== FORM) throw refused(415, `Send ${FORM}.`);
  try {
    const bytes = await getRawBody(ctx.req, { limit: LIMIT_BYTES, length: ctx.request.length ?? null });
    return readFormText(readUtf8(bytes));
  } catch (error) {
    if ((error as { type?: string }).type === 'entity.too.large') {
      throw refused(413, `A form may have at most ${LIMIT_BYTES} bytes.`);
    }
    throw refused(400, 'The form could not be read.');
  }
}

function refused(status: number, message: string): PageRefusal {
  return new PageRefusal({ status, title: 'The form could not be accepted', message });
}
