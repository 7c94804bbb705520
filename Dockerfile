FROM node:26-bookworm-slim AS base
WORKDIR /app

# The image brings its own Node, so that the pinned one (an optional dependency) is left out.
FROM base AS dependencies
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --omit=optional

FROM base
ENV NODE_ENV=production
COPY package.json LICENSE ./
COPY --from=dependencies /app/node_modules ./node_modules
COPY plugins ./plugins
COPY src ./src
# The user "node" of the base image, as a number: Kubernetes' runAsNonRoot can be checked on a number only.
USER 1000:1000
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=4s --start-period=5s --retries=3 CMD ["node", "src/healthcheck.ts"]
# No shell in between: SIGTERM reaches Node.
CMD ["node", "--expose-gc", "--no-allocation-site-pretenuring", "src/server.ts"]
