/**
 * Modules that a program has within: a single file or executable loads them where others import a URL.
 *
 * @module
 */

/** Imports a module. */
type Load = () => Promise<Record<string, unknown>>;

const loads = new Map<string, Load>();

/** From now on `specifier` is loaded by `load`. Each worker thread has to be told again. */
export function embed(specifier: string, load: Load): void {
  loads.set(specifier, load);
}

/** How to load `specifier`, if it is within. */
export function embedded(specifier: string): Load | undefined {
  return loads.get(specifier);
}
