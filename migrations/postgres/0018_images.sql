-- A file in the blobs, named by its digest. Several images may show it.
create table image_files (
    digest text primary key,
    -- Places of images that show it.
    uses bigint not null check (uses >= 0),
    -- Since when nothing shows it; it is removed a while later.
    unused_since timestamptz,
    -- Since when somebody removes it: nobody may begin to use it.
    removing_since timestamptz
);
create index image_files_unused on image_files (unused_since);

create table product_images (
    id uuid primary key,
    product_id uuid not null references products (id),
    alt text not null,
    position bigint not null,
    format text not null check (format in ('jpeg', 'png')),
    -- Of the largest size.
    width bigint not null,
    height bigint not null,
    list_digest text not null references image_files (digest),
    detail_digest text not null references image_files (digest),
    full_digest text not null references image_files (digest),
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create index product_images_by_product on product_images (product_id, position, id);

-- The images that are a variant's own, of those of its product, whose order they keep.
create table variant_images (
    variant_id uuid not null references variants (id) on delete cascade,
    image_id uuid not null references product_images (id) on delete cascade,
    primary key (variant_id, image_id)
);
create index variant_images_by_image on variant_images (image_id);
