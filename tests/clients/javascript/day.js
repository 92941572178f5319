// A day with npm's `webdav`: node day.js URL USER PASSWORD FOLDER ALBUM prints, as JSON, what it saw.
import { createReadStream } from "node:fs";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { createClient } from "webdav";

const [url, username, password, folder, album] = process.argv.slice(2);
const client = createClient(url, { username, password });
const names = (await readdir(folder)).sort();

await client.createDirectory(album);
for (const [index, name] of names.entries()) {
  // Every second one as a stream, which has no length beforehand and goes out in chunks.
  const data = index % 2 ? createReadStream(join(folder, name)) : await readFile(join(folder, name));
  if (!(await client.putFileContents(`${album}/${name}`, data, { overwrite: false }))) {
    throw new Error(`${name} is there already`);
  }
}
const listed = (await client.getDirectoryContents(album)).map((entry) => [entry.basename, entry.size]);

const [first, second, third] = names;
await client.moveFile(`${album}/${first}`, `${album}/renamed ${first}`);
await client.copyFile(`${album}/${second}`, `/favorites/${second}`);
const range = await client.getFileContents(`${album}/${second}`, { headers: { Range: "bytes=0-99" } });
const whole = await client.getFileContents(`${album}/${second}`);
await client.deleteFile(`${album}/${third}`);

const lock = await client.lock(`${album}/${second}`);
let refused = 0;
await client.deleteFile(`${album}/${second}`).catch((error) => {
  refused = error.status;
});
await client.unlock(`${album}/${second}`, lock.token);

const left = (await client.getDirectoryContents(album)).map((entry) => entry.basename);
const again = [];
for (const name of names) {
  if (!(await client.exists(`${album}/${name}`))) again.push(name);
}
console.log(
  JSON.stringify({
    listed,
    left,
    again,
    refused,
    part: range.length,
    whole: whole.length,
    stat: (await client.stat(`${album}/${second}`)).size,
  }),
);
