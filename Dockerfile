# linprobe in a small image: the one program, run by somebody who is not root, over the projects in /projects.
#
#   docker build -t linprobe .
#   docker run --rm -p 127.0.0.1:7575:7575 -v linprobe-projects:/projects linprobe
#
# It prints a token to log in with. Datasets come from /data: -v "$PWD/data:/data:ro". What else is asked of it is a command:
#
#   docker run --rm -v linprobe-projects:/projects linprobe --project tickets search "refund refused"
#
# There is no shell in the image, no ffmpeg and no ONNX Runtime: put debian:bookworm-slim in the place of the last stage's
# base, with these installed, where videos or exported graphs are wanted.

FROM rust:1.95-slim-bookworm AS build
WORKDIR /source
COPY . .
RUN cargo build --release --locked --package linprobe-cli --bin linprobe \
    && install -D target/release/linprobe /image/usr/local/bin/linprobe \
    && install -d /image/projects /image/cache /image/data

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build --chown=65532:65532 /image/projects /projects
COPY --from=build --chown=65532:65532 /image/cache /cache
COPY --from=build /image/data /data
COPY --from=build /image/usr/local/bin/linprobe /usr/local/bin/linprobe
ENV LINPROBE_HOST=0.0.0.0 \
    LINPROBE_CACHE=/cache \
    HF_HOME=/cache/huggingface
WORKDIR /projects
VOLUME ["/projects", "/cache"]
EXPOSE 7575
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/linprobe"]
CMD ["serve", "/projects", "--data-root", "/data"]
