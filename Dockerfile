# Lockstep with the migrations of one database: for `lockstep up` in any container, and for the ECS task that does long
# work (docs/guides/long-running.md). Nothing is run to build it, so it can be built for another processor, too.
#
#   npm run build && node dist/lockstep.cjs bundle --out bundle.json && docker build -t orders-migrations .
#   docker run --rm -e DATABASE_URL orders-migrations up --bundle bundle.json
FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /lockstep
COPY package.json ./
# The command, one file, and the parser of SQL that it reads.
COPY dist/lockstep.cjs ./dist/
COPY dist/chunks/libpg-query.wasm ./dist/chunks/
COPY dist/task ./dist/task
# Last, because it is what changes. Without the file the image has the program only, as a base for images with it.
COPY package.json bundle.json* ./
USER node
ENTRYPOINT ["node", "/lockstep/dist/lockstep.cjs"]
CMD ["--help"]
