// Files that scripts/build.ts puts into the bundle as bytes.
declare module '*.tar.gz' {
  const bytes: Uint8Array;
  export default bytes;
}
