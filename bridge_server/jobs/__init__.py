"""Jobs that are never lost: taken in, kept on disk, run in order, their results kept for a while.

    async with jobs.incoming(size, key) as spool:        # room is checked, nothing is half-written
        async for chunk in body:
            await spool.write(chunk)                     # into a file, hashed alongside
        stored = await spool.finish()                    # StoredFile: path, size, sha256
        request = parse(stored.path)
        job = await jobs.submit(request, stored, key=key, priority="batch", deadline=0.0)
    async for event in job.follow(after=0, heartbeat=10.0): ...
    with jobs.reading(job) as result: ...                # StoredFile; not removed meanwhile

A job is acknowledged (``submit`` returns) when its body and its row are on disk; nobody sees an event before it is.
"On disk" is the system's page cache: what is there survives the death of the server (kill -9). Bodies are not flushed
to the medium, so a power cut may take the last jobs with it; they then end as failed, with the code body_lost.
"""
