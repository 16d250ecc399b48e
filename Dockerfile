# BrainFlow's wheel carries x86_64 libraries only.
FROM --platform=linux/amd64 python:3.11-slim-bookworm AS build
WORKDIR /build
COPY requirements.txt pyproject.toml README.md LICENSE build_page.py ./
RUN python -m venv /opt/myotome && /opt/myotome/bin/pip install --no-cache-dir --require-hashes -r requirements.txt
COPY drivers drivers
COPY service service
COPY simulators simulators
COPY firmware_configs firmware_configs
COPY web web
RUN /opt/myotome/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM --platform=linux/amd64 python:3.11-slim-bookworm
COPY --from=build /opt/myotome /opt/myotome
RUN useradd --create-home --uid 10001 --groups dialout myotome && install -d -o myotome -g myotome /data
USER myotome
ENV PATH=/opt/myotome/bin:$PATH MYOTOME_DATA_DIR=/data PYTHONUNBUFFERED=1
VOLUME /data
ENTRYPOINT ["myotome"]
CMD ["serve", "--device", "sim:hackeeg?patient=healthy&seed=1"]
