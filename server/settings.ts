/**
 * Settings: what a handler module can be told, on the command line too.
 *
 * @module
 */

/** One setting of a handler module; the command line offers it as a flag of the same name. */
export interface HandlerSetting {
  /** What its value is called in a usage text; a setting without is a switch. */
  value?: string;
  /** What it does, in a line. */
  help: string;
}

/** The settings of a handler module by name, in lower case and with dashes: its export `settings`. */
export type HandlerSettings = Readonly<Record<string, HandlerSetting>>;

/**
 * What the settings of a handler module were given, as text; `true` for a switch. Its export `configure`
 * takes them and gives the handler. They can travel to a worker, where the handler itself cannot.
 */
export type SettingValues = Readonly<Record<string, string | true | undefined>>;
