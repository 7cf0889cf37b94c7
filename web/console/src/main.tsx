import { QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { Problem } from "./api/client";
import { askAgain, isAway } from "./parts/away";
import { Boundary } from "./parts/Boundary";
import { watchTyping } from "./session/typed";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/parts.css";

const RETRIES = 2;
/** Milliseconds until what did not get there is asked again, where a page does not ask by itself. */
const AGAIN = 5_000;

const client: QueryClient = new QueryClient({
  queryCache: new QueryCache({ onSuccess: () => askAgain(client) }),
  defaultOptions: {
    queries: {
      staleTime: 1_000,
      refetchInterval: ({ state }) => (isAway(state.error) ? AGAIN : false),
      // What the server has refused it refuses again; what did not get there may.
      retry: (count, error) =>
        count < RETRIES && error instanceof Problem && (error.status === 0 || error.status >= 500),
    },
  },
});

watchTyping(document);

const root = document.getElementById("app");
if (root) {
  createRoot(root).render(
    <QueryClientProvider client={client}>
      <Boundary>
        <App />
      </Boundary>
    </QueryClientProvider>,
  );
}
