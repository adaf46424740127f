# The page, the binary, and an image that holds nothing else.
FROM node:20-alpine AS ui
WORKDIR /src/ui
COPY ui/package.json ui/package-lock.json ui/.npmrc ./
RUN npm ci --no-audit --no-fund
COPY ui .
RUN npm run build

FROM golang:1.26-alpine AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=ui /src/ui/dist ui/dist
RUN CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /out/waybill ./cmd/waybill && mkdir /out/data

FROM scratch AS waybill
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/waybill /waybill
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
ENV WAYBILL_DATA=/data
ENTRYPOINT ["/waybill"]
