/** A Lua script as the generator embeds it. The server knows it by `sha1` once it has seen `source`. */
export interface LuaScript {
  readonly name: string;
  readonly sha1: string;
  readonly source: string;
}
