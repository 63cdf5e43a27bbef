import { Client, type QueryConfig, type QueryResult } from 'pg';

type Callback = (error: Error | null, result: QueryResult) => void;
type SendQuery = (query: string | QueryConfig, values: unknown, callback: Callback) => void;

/**
 * The driver's client, whose queries can be collected young.
 *
 * A function literal that is assigned to a property is made in V8's old generation, and the driver assigns one to each query that is to answer by
 * a promise: everything that the query was and answered was copied there and waited for a collection of the whole heap, 14 KB of a query of 100
 * rows. So it is given a callback, and the promise is ours.
 * @see V8, src/parsing/parser.h: CheckAssigningFunctionLiteralToProperty
 */
export class PgClient extends Client {
  static {
    const sends = Client.prototype.query as (this: Client, ...query: unknown[]) => unknown;
    this.prototype.query = function query(this: Client, query: unknown, values: unknown, callback?: unknown) {
      const answersOtherwise = typeof values === 'function' || typeof callback === 'function' || typeof (query as { submit?: unknown }).submit === 'function';
      return answersOtherwise ? sends.call(this, query, values, callback) : promised(sends.bind(this) as SendQuery, query as string | QueryConfig, values);
    } as Client['query'];
  }
}

function promised(send: SendQuery, query: string | QueryConfig, values: unknown): Promise<QueryResult> {
  return new Promise<QueryResult>((resolve, reject) => {
    // The driver notes the callback in what it is given, which may be somebody's constant.
    send(typeof query === 'string' ? query : { ...query }, values, (error, result) => (error ? reject(error) : resolve(result)));
  }).catch((error: Error) => {
    // As the driver does: who asked, instead of the socket that heard.
    Error.captureStackTrace(error);
    throw error;
  });
}
