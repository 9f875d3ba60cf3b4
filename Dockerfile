FROM node:24-slim

ENV NODE_ENV=production
# Each thread takes memory from one of two places instead of one of its own, of which it would give little back.
ENV MALLOC_ARENA_MAX=2
WORKDIR /app

# The image brings Node, and the native modules ship their binaries, so no install script has to run.
COPY package.json package-lock.json .npmrc ./
COPY sdk/package.json ./sdk/
RUN npm ci --omit=dev --ignore-scripts && npm cache clean --force

COPY LICENSE ./
COPY config ./config
COPY migrations ./migrations
COPY src ./src

# What V8 is told at every start. What it makes of the sources is for these alone.
ARG NODE_ARGS="--v8-pool-size=2 --max-semi-space-size=8 --no-allocation-site-pretenuring"

# What Node makes of the sources, so that no start has to do it again. Node keeps it for each user apart and for no other's
# eyes: node makes it, who runs it. Afterwards nobody but root may change it.
RUN mkdir -p node_modules/.cache/taskgrant && chown node:node node_modules/.cache/taskgrant \
  && runuser -u node -- node $NODE_ARGS src/runtime/compile.js > /dev/null \
  && chown -R root:root node_modules/.cache && chmod -R a+rX node_modules/.cache

# The only places the server writes to; node is the image's unprivileged user.
RUN mkdir -p data logs && chown node:node data logs
USER node
VOLUME ["/app/data", "/app/logs"]

EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT ?? 3000}/health/ready`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]

# Node itself is process 1 and receives SIGTERM, on which the server drains its connections.
CMD ["node", "--v8-pool-size=2", "--max-semi-space-size=8", "--no-allocation-site-pretenuring", "src/start.js"]
