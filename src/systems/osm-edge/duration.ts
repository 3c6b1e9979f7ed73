// What time.ParseDuration of Go takes: numbers with a unit, h the largest; there is none for days.
const NUMBER = String.raw`(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h)`;
const DURATION = new RegExp(`^[-+]?(?:0|${NUMBER}(?:${NUMBER})*)$`);

export const isDuration = (text: string): boolean => DURATION.test(text);
