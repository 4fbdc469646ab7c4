/**
 * Servers whose handlers run on worker threads or in child processes; a pool for computations; what threads share.
 *
 * @module
 */
export { AsyncResult } from "./async_result.ts";
export type { MessagePortLike } from "./_calls.ts";
export { WorkerError } from "../errors.ts";
export { PoolBrokenError, SharedClosedError, type SharedClosedReason, WorkerLostError } from "./errors.ts";
export { ForkingTcpServer, ForkingTlsServer, ForkingUdpServer, ForkingUnixServer } from "./forking.ts";
export type { HandlerModuleLike } from "./_kinds.ts";
export { Lock, LockGuard } from "./lock.ts";
export type { ForkingOptions, Mechanism, ThreadingOptions, WorkerOptions } from "./options.ts";
export type { WaitOptions } from "./_patience.ts";
export {
  type AnyTasks,
  type ApplyAsyncOptions,
  type ApplyOptions,
  type MapOptions,
  Pool,
  type PoolOptions,
  type TaskApplication,
  type TaskArguments,
  type TaskName,
  type TaskResult,
} from "./pool.ts";
export { Queue, type QueueOptions } from "./queue.ts";
export { RLock, RLockGuard, type RLockOptions } from "./rlock.ts";
export { Semaphore } from "./semaphore.ts";
export {
  SharedArray,
  type SharedArrayHandle,
  type SharedArrayType,
  type SharedNumber,
} from "./shared_array.ts";
export { SharedEvent } from "./shared_event.ts";
export { SharedMap, type SharedMapKey } from "./shared_map.ts";
export { SharedThing } from "./_shared_thing.ts";
export {
  ThreadingTcpServer,
  ThreadingTlsServer,
  ThreadingUdpServer,
  ThreadingUnixServer,
} from "./threading.ts";
export { transfer } from "./transfer.ts";
