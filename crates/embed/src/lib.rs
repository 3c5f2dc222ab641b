//! Pretrained models that turn contents into embeddings.
