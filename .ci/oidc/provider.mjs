// A provider of OpenID Connect on this machine, for tests: `node provider.mjs PORT PEOPLE REDIRECT…`.
// PEOPLE is a JSON file, name → claims, read whenever somebody is looked for; any password is right. Keys are drawn anew
// at every start. It prints its address when it listens.
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import Provider from 'oidc-provider';

const [port, people, ...redirects] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const key = { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: 'RS256' };
const client = { redirect_uris: redirects, grant_types: ['authorization_code'], response_types: ['code'] };

const provider = new Provider(issuer, {
  clients: [
    { ...client, client_id: 'fleetcast', client_secret: 'a secret/of ours+' },
    { ...client, client_id: 'fleetcast-public', token_endpoint_auth_method: 'none' },
  ],
  claims: { openid: ['sub'], profile: ['preferred_username', 'groups'], email: ['email', 'email_verified'] },
  cookies: { keys: [randomUUID()] },
  findAccount: (_, id) => {
    const claims = JSON.parse(readFileSync(people, 'utf8'))[id];
    return claims && { accountId: id, claims: () => ({ sub: id, ...claims }) };
  },
  jwks: { keys: [key] },
  ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
});
provider.listen(Number(port), '127.0.0.1', () => console.log(issuer));
