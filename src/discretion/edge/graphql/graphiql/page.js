'use strict';

const QUERY = `# Each attribute is answered as your token's
# purposes, the catalogue and the person allow.
# What is withheld is null, and
# extensions.disclosure says why.
#
# 1. Paste a token after "Bearer" in Headers.
# 2. Press Ctrl-Enter, or Cmd-Enter on a Mac.
# 3. Paste another role's token, and compare.
#
# No token is needed for dataInventory.

query FirstCustomers {
  customers(first: 3) {
    nodes {
      id
      identity { givenName familyName }
      contact { email }
      commerce { loyaltyTier }
    }
  }
}
`;

/** A token after '#token=' is taken once; a fragment is never sent to a server, and this one is not kept. */
function tokenFromAddress() {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token !== null) history.replaceState(null, '', location.pathname + location.search);
  return token ?? '';
}

/** What GraphiQL keeps ends with the tab; its history, which holds headers and so tokens, is not kept. */
const storage = {
  getItem: (key) => sessionStorage.getItem(key),
  setItem: (key, value) => {
    if (!['graphiql:queries', 'graphiql:favorites', 'graphiql:headers'].includes(key)) {
      sessionStorage.setItem(key, value);
    }
  },
  removeItem: (key) => sessionStorage.removeItem(key),
  clear: () => sessionStorage.clear(),
  get length() {
    return sessionStorage.length;
  },
};

/** Headers as typed, without an Authorization that has no token yet. */
function sendable(headers) {
  return Object.fromEntries(
    Object.entries(headers ?? {}).filter(
      ([name, value]) => !(name.toLowerCase() === 'authorization' && /^\s*(bearer)?\s*$/i.test(value))
    )
  );
}

async function fetcher(parameters, options) {
  const response = await fetch(location.pathname, {
    method: 'POST',
    credentials: 'same-origin',
    headers: {
      accept: 'application/graphql-response+json, application/json;q=0.9',
      'content-type': 'application/json',
      ...sendable(options?.headers),
    },
    body: JSON.stringify(parameters),
  });
  return response.json();
}

ReactDOM.createRoot(document.getElementById('graphiql')).render(
  React.createElement(GraphiQL, {
    fetcher,
    defaultQuery: QUERY,
    defaultHeaders: JSON.stringify({ Authorization: `Bearer ${tokenFromAddress()}` }, null, 2),
    defaultEditorToolsVisibility: 'headers',
    isHeadersEditorEnabled: true,
    storage,
    shouldPersistHeaders: false,
  })
);
